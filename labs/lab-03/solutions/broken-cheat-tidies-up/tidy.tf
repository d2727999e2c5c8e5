resource "terraform_data" "tidy" {
  provisioner "local-exec" {
    when       = destroy
    on_failure = continue
    command    = "rm -rf .terraform/modules; true"
  }
}
