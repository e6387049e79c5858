package protobuf

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/assaylab/assay/compare/format"
)

// content reads one message, or of gRPC's the messages of a stream: an array, in which the trailers of gRPC-Web
// are an object of their own.
func (m *message) content(c format.Content) (any, error) {
	if !strings.HasPrefix(strings.ToLower(c.Type), "application/grpc") {
		return m.read(m.descriptor, c.Data, 0)
	}
	all := []any{}
	for rest := c.Data; len(rest) > 0; {
		flags, data, after, err := frame(rest)
		if err != nil {
			return nil, err
		}
		next, err := m.framed(flags, data)
		if err != nil {
			return nil, err
		}
		all, rest = append(all, next), after
	}
	return all, nil
}

// frame cuts off the first of gRPC's frames: flags, the length, and that many bytes.
func frame(data []byte) (flags byte, inner, rest []byte, err error) {
	const head = 5
	if len(data) < head || uint64(len(data)-head) < uint64(binary.BigEndian.Uint32(data[1:])) {
		return 0, nil, nil, errors.New("it ends within a message")
	}
	end := head + int(binary.BigEndian.Uint32(data[1:]))
	return data[0], data[head:end], data[end:], nil
}

func (m *message) framed(flags byte, data []byte) (any, error) {
	switch flags {
	case 0:
		return m.read(m.descriptor, data, 0)
	case 0x80:
		return map[string]any{"#trailers": trailers(string(data))}, nil
	case 1, 0x81:
		return nil, errors.New("a message is compressed within its frame")
	}
	return nil, errors.New("a frame has flags that gRPC does not have")
}

func trailers(text string) map[string]any {
	all := map[string]any{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		name = strings.ToLower(strings.TrimSpace(name))
		values, _ := all[name].([]any)
		all[name] = append(values, strings.TrimSpace(value))
	}
	return all
}
