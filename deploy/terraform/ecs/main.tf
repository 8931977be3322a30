data "aws_region" "here" {}
data "aws_caller_identity" "me" {}
data "aws_partition" "this" {}

locals {
  region    = data.aws_region.here.name
  account   = data.aws_caller_identity.me.account_id
  partition = data.aws_partition.this.partition
  built_in  = var.policies == null
  policies = local.built_in ? templatefile("${path.module}/files/policies.yaml", {
    mode   = title(var.mode)
    region = local.region
  }) : var.policies
  permissions = var.permissions_json != null ? var.permissions_json : templatefile(
    "${path.module}/files/permissions-${var.mode}.json.tftpl",
    { region = local.region, account = local.account, partition = local.partition },
  )
  state       = "/var/lib/rightsizer"
  secrets     = { for name, arn in { TOKEN = var.token_secret_arn, CHANNELS = var.channels_secret_arn } : name => arn if arn != null }
  secrets_key = var.secrets_kms_key_arn != null ? var.secrets_kms_key_arn : var.kms_key_arn
}

# The journal, and the lease that says which replica acts.
resource "aws_dynamodb_table" "journal" {
  name                        = var.name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.deletion_protection
  tags                        = merge(var.tags, { "rightsizer:owner" = "rightsizer" })

  attribute {
    name = "pk"
    type = "S"
  }
  attribute {
    name = "sk"
    type = "S"
  }
  ttl {
    attribute_name = "expires"
    enabled        = true
  }
  point_in_time_recovery {
    enabled = true
  }
  server_side_encryption {
    enabled     = true
    kms_key_arn = var.kms_key_arn
  }
}

resource "aws_cloudwatch_log_group" "controller" {
  name              = "/rightsizer/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_security_group" "controller" {
  name        = var.name
  description = "Rightsizer: to the AWS APIs, and metrics from whoever may scrape"
  vpc_id      = var.vpc_id
  tags        = var.tags
}

resource "aws_vpc_security_group_egress_rule" "apis" {
  security_group_id = aws_security_group.controller.id
  description       = "AWS APIs and webhooks"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_ingress_rule" "metrics" {
  for_each                     = toset(var.scraper_security_group_ids)
  security_group_id            = aws_security_group.controller.id
  description                  = "Metrics and health"
  ip_protocol                  = "tcp"
  from_port                    = 9797
  to_port                      = 9797
  referenced_security_group_id = each.value
}

resource "aws_ecs_cluster" "own" {
  count = var.cluster_arn == null ? 1 : 0
  name  = var.name
  tags  = var.tags
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_service" "controller" {
  name                               = var.name
  cluster                            = var.cluster_arn != null ? var.cluster_arn : aws_ecs_cluster.own[0].arn
  task_definition                    = aws_ecs_task_definition.controller.arn
  desired_count                      = var.desired_count
  launch_type                        = "FARGATE"
  deployment_minimum_healthy_percent = 50
  deployment_maximum_percent         = 200
  propagate_tags                     = "SERVICE"
  tags                               = var.tags

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.controller.id]
    assign_public_ip = var.assign_public_ip
  }
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  lifecycle {
    precondition {
      condition     = local.built_in || var.permissions_json != null
      error_message = "With policies of your own, permissions_json must be what `rightsizer iam-policy` prints for them."
    }
  }
}
