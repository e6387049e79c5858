package event

import (
	"mime"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assaylab/assay"
)

// targetGroup is where a load balancer's events come from.
const targetGroup = "arn:aws:elasticloadbalancing:" + assay.EmbeddedRegion + ":" + account + ":targetgroup/" + api + "/0000000000000000"

// eventALB is the event of a load balancer without multi-value headers, the default of target groups.
type eventALB struct {
	events.ALBTargetGroupRequest
	QueryStringParameters map[string]string `json:"queryStringParameters"` // {} if there are none
}

// encodeALB makes the event of a load balancer: names of headers in lower case, of many values the last,
// and parameters as the client encoded them.
func encodeALB(inv *assay.Invocation) eventALB {
	req := inv.Request
	e := eventALB{
		QueryStringParameters: map[string]string{},
		ALBTargetGroupRequest: events.ALBTargetGroupRequest{
			HTTPMethod: req.Method, Path: req.Path, Headers: map[string]string{},
			RequestContext: events.ALBTargetGroupRequestContext{ELB: events.ELBContext{TargetGroupArn: targetGroup}},
		},
	}
	e.Body, e.IsBase64Encoded = body(req, textualALB(req))
	for name, value := range last(header(inv)) {
		e.Headers[strings.ToLower(name)] = value
	}
	for pair := range strings.SplitSeq(req.Query, "&") {
		if name, value, _ := strings.Cut(pair, "="); pair != "" {
			e.QueryStringParameters[name] = value
		}
	}
	return e
}

// textualALB says whether a load balancer hands over a body of this content type as text.
func textualALB(req *assay.Request) bool {
	kind, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type")) // without the parameters, good or bad
	switch kind {
	case "application/json", "application/javascript", "application/xml":
		return true
	}
	return strings.HasPrefix(kind, "text/")
}

// loadBalancer502 is what a load balancer answers for a function that failed in any way.
func loadBalancer502() Response {
	const page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
	return Response{Status: 502, Header: assay.Header{"Content-Type": {"text/html"}}, Body: []byte(page)}
}
