#!/usr/bin/env bash
# Drives the API with the AWS CLI as it is. Arguments: the endpoint, and a zip of the handler. What the
# environment must have: AWS's variables, and the CLI in PATH.
set -euo pipefail
endpoint=$1 zip=$2
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
f() { aws --endpoint-url "$endpoint" --region us-east-1 lambda "$@"; }
equal() { [ "$1" = "$2" ] || { echo "got '$1', want '$2'" >&2; exit 1; }; }

equal "$(f create-function --function-name cli --runtime provided.al2023 --handler bootstrap --timeout 20 \
  --role arn:aws:iam::000000000000:role/r --zip-file "fileb://$zip" --query State --output text)" Pending
f wait function-active-v2 --function-name cli
equal "$(f invoke --function-name cli --payload '{"a":1}' --log-type Tail --query LogResult --output text out | base64 -d | grep -c ^REPORT)" 1
equal "$(cat out)" '{"a":1}'
equal "$(f invoke --function-name cli --payload '{"do":"fail","text":"no"}' --query FunctionError --output text out)" Unhandled
equal "$(f publish-version --function-name cli --query Version --output text)" 1
f create-alias --function-name cli --name live --function-version 1 >/dev/null
equal "$(f invoke --function-name cli:live --query ExecutedVersion --output text out)" 1
f put-function-concurrency --function-name cli --reserved-concurrent-executions 0 >/dev/null
AWS_MAX_ATTEMPTS=1 f invoke --function-name cli out 2>error && exit 1
grep -q 'TooManyRequestsException.*Rate Exceeded' error
f delete-function-concurrency --function-name cli
f delete-function --function-name cli
f get-function --function-name cli 2>error && exit 1
grep -q 'ResourceNotFoundException.*Function not found: arn:aws:lambda:us-east-1:000000000000:function:cli' error
