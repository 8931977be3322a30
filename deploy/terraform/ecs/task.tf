locals {
  # Writes what the controller reads: a task has no ConfigMap. No shell: Python is there anyway.
  write_files = <<-PYTHON
    import os, pathlib
    state = pathlib.Path("${local.state}")
    for variable, name in (("POLICIES", "policies/policies.yaml"), ("TOKEN", "token"), ("CHANNELS", "channels.yaml")):
        text = os.environ.get(variable)
        if text:
            path = state / name
            path.parent.mkdir(exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(text)
  PYTHON

  # More than the environment may hold is a sign of too many endpoints by name.
  environment = merge(
    {
      AWS_REGION            = local.region
      RIGHTSIZER_STORE      = "dynamodb://${aws_dynamodb_table.journal.name}?region=${local.region}"
      RIGHTSIZER_LEASE      = "dynamodb"
      RIGHTSIZER_LEASE_NAME = var.name
      RIGHTSIZER_LISTEN     = "0.0.0.0:9797"
      RIGHTSIZER_LOG_FORMAT = "json"
      RIGHTSIZER_POLICIES   = "${local.state}/policies"
    },
    var.token_secret_arn == null ? {} : { RIGHTSIZER_TOKEN_FILE = "${local.state}/token" },
    var.channels_secret_arn == null ? {} : { RIGHTSIZER_NOTIFY = "${local.state}/channels.yaml" },
    var.environment,
  )
  locked_up = {
    image                  = var.image
    user                   = "65532:65532"
    readonlyRootFilesystem = true
    linuxParameters        = { capabilities = { drop = ["ALL"] } }
    # Owned by 65532, as the image's VOLUME says; policies and secrets go there too.
    mountPoints = [{ sourceVolume = "state", containerPath = local.state, readOnly = false }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.controller.name
        awslogs-region        = local.region
        awslogs-stream-prefix = "task"
      }
    }
  }
  containers = [
    merge(local.locked_up, {
      name        = "files"
      essential   = false
      entryPoint  = ["python", "-c", local.write_files]
      environment = [{ name = "POLICIES", value = local.policies }]
      secrets     = [for name, arn in local.secrets : { name = name, valueFrom = arn }]
    }),
    merge(local.locked_up, {
      name         = "rightsizer"
      essential    = true
      command      = ["run"]
      dependsOn    = [{ containerName = "files", condition = "SUCCESS" }]
      environment  = [for name in sort(keys(local.environment)) : { name = name, value = local.environment[name] }]
      portMappings = [{ containerPort = 9797, protocol = "tcp" }]
      # Long enough to finish the AWS call under way; a change itself goes on elsewhere.
      stopTimeout = 60
      healthCheck = {
        command     = ["CMD", "python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9797/healthz', timeout=4)"]
        interval    = 30
        timeout     = 5
        retries     = 3
        startPeriod = 30
      }
    }),
  ]
}

resource "aws_ecs_task_definition" "controller" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.controller.arn
  container_definitions    = jsonencode(local.containers)
  tags                     = var.tags

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }
  volume {
    name = "state"
  }
}
