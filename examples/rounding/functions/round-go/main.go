// Command bootstrap rounds the number in ?number= with math.Round, which takes halves away from zero.
package main

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

type rounded struct {
	Number        float64 `json:"number"`
	RoundedNumber float64 `json:"rounded_number"`
}

func handle(_ context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	number, err := strconv.ParseFloat(e.QueryStringParameters["number"], 64)
	if err != nil || math.IsInf(number, 0) || math.IsNaN(number) {
		return answer(http.StatusBadRequest, map[string]string{"error": "number is not a number"})
	}
	return answer(http.StatusOK, rounded{number, math.Round(number)})
}

func answer(status int, body any) (events.APIGatewayV2HTTPResponse, error) {
	text, err := json.Marshal(body)
	return events.APIGatewayV2HTTPResponse{
		StatusCode: status, Headers: map[string]string{"content-type": "application/json"}, Body: string(text),
	}, err
}

func main() { lambda.Start(handle) }
