locals {
  name = "<%= team %>-${var.environment}"
}

module "network" {
  source = "./modules/network"

  name     = local.name
  region   = "<%= region %>"
  cidr     = var.cidr
  app_port = <%= app_port %>
  office   = "<%= office %>"
}

module "storage" {
  source = "./modules/storage"

  name     = local.name
  log_days = <%= log_days %>
}

module "servers" {
  source = "./modules/servers"

  name               = local.name
  servers            = var.app_count
  instance_type      = "<%= instance_type %>"
  disk_gb            = <%= disk_gb %>
  subnet_ids         = module.network.private_subnet_ids
  security_group_id  = module.network.app_security_group_id
  bucket             = module.storage.bucket
  table              = module.storage.table
  log_group_arn      = module.storage.log_group_arn
  password_parameter = "/<%= team %>/db-password"
}
