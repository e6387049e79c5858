package control

import (
	"fmt"
	"net/http"
)

// APIError is an error as AWS's API gives it.
type APIError struct {
	Status  int    // HTTP's
	Code    string // the exception: "ResourceNotFoundException"
	Message string // AWS's own words, where AWS has such an error
	Reason  string // of a TooManyRequestsException
	Err     error  // the cause, if another error is
}

func (e *APIError) Error() string { return e.Code + ": " + e.Message }

func (e *APIError) Unwrap() error { return e.Err }

// invalid is AWS's answer to a value that cannot be.
func invalid(format string, args ...any) *APIError {
	return &APIError{Status: http.StatusBadRequest, Code: "InvalidParameterValueException", Message: fmt.Sprintf(format, args...)}
}

// unfit is AWS's answer to a value that its model does not allow, which it gives before it looks further.
func unfit(value any, member, constraint string) *APIError {
	return &APIError{Status: http.StatusBadRequest, Code: "ValidationException", Message: fmt.Sprintf(
		"1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: %s", value, member, constraint)}
}

func missing(format string, args ...any) *APIError {
	return &APIError{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) *APIError {
	return &APIError{Status: http.StatusConflict, Code: "ResourceConflictException", Message: fmt.Sprintf(format, args...)}
}

// gone is AWS's answer where it does not say what is not there.
func gone() *APIError { return missing("The resource you requested does not exist.") }

func noFunction(name, qualifier string) *APIError {
	return missing("Function not found: %s", Reference{Name: name, Qualifier: qualifier}.ARN())
}

// stale is AWS's answer to a RevisionId that is not the present one; api names where that is read.
func stale(api string) *APIError {
	return &APIError{Status: http.StatusPreconditionFailed, Code: "PreconditionFailedException", Message: fmt.Sprintf(
		"The Revision Id provided does not match the latest Revision Id. Call the %s API to retrieve the latest Revision Id", api)}
}

func updating(name string) *APIError {
	return conflict("The operation cannot be performed at this time. An update is in progress for resource: %s", FunctionARN(name))
}
