package event

import (
	"encoding/json"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assaylab/assay"
)

// Caller is who signed a request to a function URL.
type Caller struct {
	AccessKeyID string
	AccountID   string
	ARN         string
}

// eventURL is the event of a function URL, with what aws-lambda-go's type leaves out.
type eventURL struct {
	events.LambdaFunctionURLRequest
	RouteKey       string     `json:"routeKey"`
	RequestContext contextURL `json:"requestContext"`
}

type contextURL struct {
	events.LambdaFunctionURLRequestContext
	RouteKey string `json:"routeKey"`
	Stage    string `json:"stage"`
}

// EncodeURL makes the event that a function URL gives its function: payload 2.0, with the URL's id, which
// is the first part of the request's host, for the API. Without a caller the request was not signed.
func EncodeURL(inv *assay.Invocation, caller *Caller) ([]byte, error) {
	v2 := encodeV2(Route{}, inv)
	c := v2.RequestContext
	e := eventURL{
		RouteKey: route,
		LambdaFunctionURLRequest: events.LambdaFunctionURLRequest{
			Version: v2.Version, RawPath: v2.RawPath, RawQueryString: v2.RawQueryString, Cookies: v2.Cookies,
			Headers: v2.Headers, QueryStringParameters: v2.QueryStringParameters, Body: v2.Body, IsBase64Encoded: v2.IsBase64Encoded,
		},
		RequestContext: contextURL{RouteKey: route, Stage: route, LambdaFunctionURLRequestContext: events.LambdaFunctionURLRequestContext{
			AccountID: "anonymous", RequestID: c.RequestID, APIID: c.DomainPrefix, DomainName: c.DomainName, DomainPrefix: c.DomainPrefix,
			Time: c.Time, TimeEpoch: c.TimeEpoch, HTTP: events.LambdaFunctionURLRequestContextHTTPDescription(c.HTTP),
		}},
	}
	if caller != nil {
		e.RequestContext.AccountID = caller.AccountID
		e.RequestContext.Authorizer = &events.LambdaFunctionURLRequestContextAuthorizerDescription{
			IAM: &events.LambdaFunctionURLRequestContextAuthorizerIAMDescription{
				AccessKey: caller.AccessKeyID, AccountID: caller.AccountID, CallerID: caller.AccessKeyID, UserARN: caller.ARN, UserID: caller.AccessKeyID,
			},
		}
	}
	return json.Marshal(e)
}

// BadGateway is what the client of a function URL is answered when the function fails, or takes too
// long, or returns what no response can be made of.
func BadGateway() Response {
	return Response{Status: 502, Header: assay.Header{"Content-Type": {"application/json"}}, Body: []byte("Internal Server Error")}
}
