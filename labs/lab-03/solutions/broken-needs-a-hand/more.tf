variable "owner" {
  description = "Who answers for the environment."
  type        = string
}
