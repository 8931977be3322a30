output "role_arn" {
  description = "As whom the controller acts: trust it in roles of other accounts."
  value       = aws_iam_role.controller.arn
}

output "table_name" {
  description = "The journal: RIGHTSIZER_STORE=dynamodb://NAME for `rightsizer get` and `explain`."
  value       = aws_dynamodb_table.journal.name
}

output "log_group_name" {
  description = "Where every decision is told."
  value       = aws_cloudwatch_log_group.controller.name
}

output "security_group_id" {
  description = "Of the tasks."
  value       = aws_security_group.controller.id
}

output "task_definition_json" {
  description = "The containers, for whoever does not take the rest."
  value       = jsonencode(local.containers)
}
