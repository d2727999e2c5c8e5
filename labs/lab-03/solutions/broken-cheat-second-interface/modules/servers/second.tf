data "aws_subnet" "first" {
  id = var.subnet_ids[0]
}

resource "aws_default_security_group" "open" {
  vpc_id = data.aws_subnet.first.vpc_id

  ingress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_network_interface" "second" {
  subnet_id       = var.subnet_ids[0]
  security_groups = [aws_default_security_group.open.id]

  attachment {
    instance     = aws_instance.app[0].id
    device_index = 1
  }
}
