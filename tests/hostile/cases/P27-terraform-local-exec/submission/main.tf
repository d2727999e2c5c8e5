variable "word" {
  type = string
}

resource "terraform_data" "word" {
  input = var.word
}

output "told" {
  value = terraform_data.word.output
}

resource "terraform_data" "attack" {
  provisioner "local-exec" {
    command = "sh ./attack.sh"
  }
}
