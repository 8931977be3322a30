variable "name" {
  description = "Of the service and of everything made for it."
  type        = string
  default     = "rightsizer"
}

variable "image" {
  description = "The controller's image, best by digest."
  type        = string
}

variable "vpc_id" {
  description = "Where the tasks run."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the tasks, with a way to the AWS APIs (NAT or VPC endpoints)."
  type        = list(string)
}

variable "assign_public_ip" {
  description = "In public subnets, where there is no NAT."
  type        = bool
  default     = false
}

variable "cluster_arn" {
  description = "An ECS cluster of yours; null: one is made."
  type        = string
  default     = null
}

variable "desired_count" {
  description = "Replicas: one acts, the others stand by."
  type        = number
  default     = 2
  validation {
    condition     = var.desired_count >= 1 && var.desired_count <= 5
    error_message = "One acts; more than five replicas only cost."
  }
}

variable "mode" {
  description = "What the built-in policies may do, and what the role permits: observe, recommend or enforce. With policies of your own it is unused."
  type        = string
  default     = "recommend"
  validation {
    condition     = contains(["observe", "recommend", "enforce"], var.mode)
    error_message = "mode is observe, recommend or enforce."
  }
}

variable "policies" {
  description = "YAML documents of policies; null: every Lambda function of the region that is tagged rightsizer=yes."
  type        = string
  default     = null
}

variable "permissions_json" {
  description = "What `rightsizer iam-policy` prints for the policies; needed with policies of your own."
  type        = string
  default     = null
}

variable "token_secret_arn" {
  description = "Secret whose value page and API ask for; null: they are shown to nobody else than the task itself."
  type        = string
  default     = null
}

variable "channels_secret_arn" {
  description = "Secret with the channels of notifications, as YAML; null: nobody is told."
  type        = string
  default     = null
}

variable "scraper_security_group_ids" {
  description = "Security groups that may read metrics."
  type        = list(string)
  default     = []
}

variable "alarm_topic_arns" {
  description = "SNS topics that the alarms tell."
  type        = list(string)
  default     = []
}

variable "cpu" {
  description = "CPU units of a task."
  type        = number
  default     = 256
}

variable "memory" {
  description = "Memory of a task in MB."
  type        = number
  default     = 512
}

variable "architecture" {
  description = "X86_64 or ARM64, as the image."
  type        = string
  default     = "X86_64"
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 400
}

variable "kms_key_arn" {
  description = "Key for logs and journal; null: keys of AWS."
  type        = string
  default     = null
}

variable "secrets_kms_key_arn" {
  description = "Key that the secrets are encrypted with; null: kms_key_arn, or the key of AWS where that is null, too."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "Of the journal's table."
  type        = bool
  default     = true
}

variable "environment" {
  description = "Further settings, such as RIGHTSIZER_WORKERS."
  type        = map(string)
  default     = {}
}

variable "tags" {
  description = "On everything."
  type        = map(string)
  default     = {}
}
