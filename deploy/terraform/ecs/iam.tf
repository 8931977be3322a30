data "aws_iam_policy_document" "tasks_may" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

# As whom the controller acts.
resource "aws_iam_role" "controller" {
  name               = var.name
  description        = "Rightsizer (${var.mode})"
  assume_role_policy = data.aws_iam_policy_document.tasks_may.json
  tags               = var.tags
}

# What `rightsizer iam-policy` prints for the policies and the mode, and nothing else.
resource "aws_iam_role_policy" "controller" {
  name   = "policies"
  role   = aws_iam_role.controller.id
  policy = local.permissions
}

data "aws_iam_policy_document" "journal" {
  statement {
    sid = "KeepJournalAndLease"
    actions = [
      "dynamodb:BatchGetItem",
      "dynamodb:BatchWriteItem",
      "dynamodb:ConditionCheckItem",
      "dynamodb:DeleteItem",
      "dynamodb:DescribeTable",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
    ]
    resources = [aws_dynamodb_table.journal.arn]
  }
  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]
    content {
      sid       = "ReadAndWriteTheJournal"
      actions   = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role_policy" "journal" {
  name   = "journal"
  role   = aws_iam_role.controller.id
  policy = data.aws_iam_policy_document.journal.json
}

# As whom ECS starts the task.
resource "aws_iam_role" "execution" {
  name               = "${var.name}-start"
  description        = "Starts tasks of ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.tasks_may.json
  tags               = var.tags
}

data "aws_iam_policy_document" "execution" {
  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.controller.arn}:*"]
  }
  statement {
    sid       = "LogInToTheRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }
  statement {
    sid       = "PullTheImage"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = ["arn:${local.partition}:ecr:*:${local.account}:repository/*"]
  }
  dynamic "statement" {
    for_each = length(local.secrets) == 0 ? [] : [values(local.secrets)]
    content {
      sid       = "ReadSecrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = statement.value
    }
  }
  # A secret under a key of yours is read by whoever may decrypt with that key, too.
  dynamic "statement" {
    for_each = length(local.secrets) == 0 || local.secrets_key == null ? [] : [local.secrets_key]
    content {
      sid       = "DecryptSecrets"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["secretsmanager.${local.region}.amazonaws.com"]
      }
    }
  }
}

resource "aws_iam_role_policy" "execution" {
  name   = "start"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}
