# `terraform test`, without AWS: what is planned, not whether AWS takes it.
mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { name = "eu-west-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
  mock_resource "aws_dynamodb_table" {
    defaults = { arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/rightsizer" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/rightsizer" }
  }
  mock_resource "aws_ecs_cluster" {
    defaults = { arn = "arn:aws:ecs:eu-west-1:123456789012:cluster/rightsizer" }
  }
}

variables {
  image      = "registry.example/rightsizer:0.1.0"
  vpc_id     = "vpc-1"
  subnet_ids = ["subnet-1", "subnet-2"]
}

run "recommends_with_two_replicas_by_default" {
  command = apply
  assert {
    condition     = aws_ecs_service.controller.desired_count == 2
    error_message = "one acts, one stands by"
  }
  assert {
    condition     = strcontains(local.policies, "mode: Recommend") && !strcontains(local.permissions, "lambda:Update")
    error_message = "by default nothing is changed, and nothing may be"
  }
  assert {
    condition     = alltrue([for one in local.containers : one.readonlyRootFilesystem && one.user == "65532:65532" && contains(one.linuxParameters.capabilities.drop, "ALL")])
    error_message = "every container is locked up"
  }
  assert {
    condition     = local.environment["RIGHTSIZER_LEASE"] == "dynamodb" && local.environment["RIGHTSIZER_STORE"] == "dynamodb://rightsizer?region=eu-west-1"
    error_message = "replicas share journal and lease"
  }
}

run "enforces_when_told_to" {
  command = apply
  variables {
    mode = "enforce"
  }
  assert {
    condition     = strcontains(local.policies, "mode: Enforce") && strcontains(local.permissions, "lambda:UpdateFunctionConfiguration")
    error_message = "policies and permissions go together"
  }
}

run "policies_of_ones_own_need_permissions_of_their_own" {
  command = plan
  variables {
    policies = "kind: x"
  }
  expect_failures = [aws_ecs_service.controller]
}

run "secrets_reach_the_files_and_never_the_environment_in_clear" {
  command = apply
  variables {
    token_secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:token"
  }
  assert {
    condition     = local.containers[0].secrets[0].valueFrom == var.token_secret_arn && local.environment["RIGHTSIZER_TOKEN_FILE"] == "/var/lib/rightsizer/token"
    error_message = "the token is a file that the daemon reads"
  }
  assert {
    condition     = !contains(data.aws_iam_policy_document.execution.statement[*].sid, "DecryptSecrets")
    error_message = "the key of AWS is nobody's to grant"
  }
}

run "secrets_under_a_key_of_ones_own_can_be_read" {
  command = apply
  variables {
    token_secret_arn    = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:token"
    secrets_kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/mine"
  }
  assert {
    condition     = anytrue([for one in data.aws_iam_policy_document.execution.statement : one.sid == "DecryptSecrets" && contains(one.resources, var.secrets_kms_key_arn)])
    error_message = "ECS reads the secret as the execution role"
  }
}

run "modes_are_words" {
  command = plan
  variables {
    mode = "yolo"
  }
  expect_failures = [var.mode]
}
