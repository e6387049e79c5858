package serve

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/assaylab/assay"
)

// logger writes one line an event. Values that name secrets never get here: rooms do not log them.
func logger(w io.Writer, o observing) (*slog.Logger, error) {
	var level slog.Level
	if level.UnmarshalText([]byte(o.logLevel)) != nil {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("--log-level %q is unknown", o.logLevel), Hint: "use debug, info, warn or error"}
	}
	options := &slog.HandlerOptions{Level: level}
	switch strings.ToLower(o.logFormat) {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("--log-format %q is unknown", o.logFormat), Hint: "use text or json"}
}
