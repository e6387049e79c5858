package awsapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/awsapi/model"
	"github.com/assaylab/assay/lambda/control"
)

// lowerCase are the exceptions whose member is "message"; the others have "Message".
var lowerCase = map[string]bool{
	"InvalidParameterValueException": true, "ResourceConflictException": true, "TooManyRequestsException": true,
	"PreconditionFailedException": true, "InvalidRequestContentException": true, "RequestTooLargeException": true,
	"CodeStorageExceededException": true, "ProvisionedConcurrencyConfigNotFoundException": true,
	"ValidationException": true, "SerializationException": true,
	"MissingAuthenticationTokenException": true, "IncompleteSignatureException": true, "InvalidSignatureException": true,
	"UnrecognizedClientException": true, "AccessDeniedException": true,
}

// frontDoor are the exceptions that come from the layers before Lambda, which give no Type.
var frontDoor = map[string]bool{
	"ValidationException": true, "SerializationException": true, "MissingAuthenticationTokenException": true,
	"IncompleteSignatureException": true, "InvalidSignatureException": true, "UnrecognizedClientException": true,
	"AccessDeniedException": true, "UnknownOperationException": true,
}

// writeError answers with an error in AWS's form.
func writeError(w http.ResponseWriter, e *control.APIError) {
	body := map[string]string{}
	switch {
	case frontDoor[e.Code]:
	case e.Status >= 500 && e.Status != http.StatusBadGateway:
		body["Type"] = "Service"
	default:
		body["Type"] = "User"
	}
	member := "Message"
	if lowerCase[e.Code] {
		member = "message"
	}
	body[member] = e.Message
	if e.Reason != "" {
		body["Reason"] = e.Reason
	}
	h := w.Header()
	if e.Status == http.StatusTooManyRequests {
		h.Set("Retry-After", "1")
	}
	h.Set("X-Amzn-ErrorType", e.Code)
	if h.Get("X-Amzn-RequestId") == "" {
		h.Set("X-Amzn-RequestId", uuid.NewString())
	}
	writeJSON(w, e.Status, body)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // of our own types: none has what cannot be marshaled
		status, body = http.StatusInternalServerError, []byte(`{"Message":"`+http.StatusText(http.StatusInternalServerError)+`","Type":"Service"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

// apiError is any error in AWS's form.
func apiError(err error) *control.APIError {
	var api *control.APIError
	var ours *assay.Error
	var malformed *model.MalformedError
	var violations model.Violations
	switch {
	case errors.As(err, &api):
		return api
	case errors.As(err, &violations):
		return &control.APIError{Status: http.StatusBadRequest, Code: "ValidationException", Message: violations.Error()}
	case errors.As(err, &malformed):
		return &control.APIError{Status: http.StatusBadRequest, Code: "SerializationException", Message: malformed.Message}
	case errors.As(err, &ours) && ours.Code == assay.CodeNotFound:
		return &control.APIError{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: ours.What}
	case errors.As(err, &ours) && ours.Code == assay.CodeUnreachable:
		return &control.APIError{Status: http.StatusServiceUnavailable, Code: "ServiceException", Message: ours.What}
	}
	return &control.APIError{Status: http.StatusInternalServerError, Code: "ServiceException", Message: err.Error()}
}

func badParameter(message string) *control.APIError {
	return &control.APIError{Status: http.StatusBadRequest, Code: "InvalidParameterValueException", Message: message}
}
