// Command bootstrap is a function built with aws-lambda-go, for the engine's tests.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do    string
	ID    int
	Sleep int // milliseconds
}

func handle(ctx context.Context, e event) (any, error) {
	time.Sleep(time.Duration(e.Sleep) * time.Millisecond)
	switch e.Do {
	case "fail":
		return nil, errors.New("it failed")
	case "panic":
		panic("it panicked")
	case "exit":
		fmt.Println("last words")
		os.Exit(e.ID)
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return map[string]any{"id": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "client": lc.ClientContext.Custom["k"], "left": time.Until(deadline).Milliseconds()}, nil
	case "environment":
		return os.Environ(), nil
	case "print":
		fmt.Println("hello from go")
	case "broken stream":
		return io.MultiReader(strings.NewReader("half an answer"), broken{}), nil
	case "large":
		return strings.Repeat("x", e.ID), nil
	}
	return map[string]any{"id": e.ID, "pid": os.Getpid()}, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the stream broke") }

func main() {
	if os.Getenv("WITH_SIGTERM") != "" {
		lambda.StartWithOptions(handleJSON, lambda.WithEnableSIGTERM(func() {
			fmt.Println("it says", os.Getenv("WITH_SIGTERM"))
		}))
	}
	lambda.Start(handleJSON)
}

// handleJSON accepts any event.
func handleJSON(ctx context.Context, raw json.RawMessage) (any, error) {
	var e event
	json.Unmarshal(raw, &e)
	return handle(ctx, e)
}
