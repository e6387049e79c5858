// Package protobuf compares Protocol Buffers messages by what their fields mean. In come contents and the
// descriptor of their message; out come values that JSON can write, which compare lists the differences of.
package protobuf

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/format"
	"github.com/assaylab/assay/compare/json"
)

const (
	// maxMessage bounds a message, in bytes, like most servers of gRPC do: an empty message takes two bytes, and
	// hundreds once it is read.
	maxMessage = 4 << 20
	// maxDepth bounds the messages within one another.
	maxDepth = 200
)

// Format is the format for definitions: `as: protobuf` with the descriptor set that read finds under a name, and
// the message's full name. Without them messages are compared byte for byte.
func Format(read func(name string) ([]byte, error)) format.Format {
	return format.Format{
		Name: "protobuf",
		Media: []string{
			"application/protobuf", "application/x-protobuf", "application/vnd.google.protobuf",
			"application/grpc", "application/grpc+proto", "application/grpc-web", "application/grpc-web+proto",
		},
		Options: append([]string{"descriptor", "message"}, json.RuleOptions()...),
		Build: func(spec assay.ComparatorSpec, formats format.Formats) (format.CompareFunc, []assay.Flaw) {
			if spec.Message == "" && spec.Descriptor == "" && spec.As == "" {
				return formats.Named("bytes").Build(assay.ComparatorSpec{}, formats)
			}
			m, flaw := load(spec, read)
			if flaw != nil {
				return nil, []assay.Flaw{*flaw}
			}
			return json.Through(m.content, spec, formats)
		},
	}
}

// message reads the contents of one type.
type message struct {
	descriptor protoreflect.MessageDescriptor
	types      *dynamicpb.Types // for extensions, and what stands in an Any
}

func load(spec assay.ComparatorSpec, read func(string) ([]byte, error)) (*message, *assay.Flaw) {
	if spec.Descriptor == "" || spec.Message == "" {
		return nil, &assay.Flaw{Path: []string{"as"}, What: "nothing says what the messages are", Hint: "name a descriptor set and a message: {as: protobuf, descriptor: api.binpb, message: shop.v1.Order}"}
	}
	data, err := read(spec.Descriptor)
	if err != nil {
		return nil, &assay.Flaw{Path: []string{"descriptor"}, What: "the descriptor set cannot be read: " + err.Error(), Hint: "the path is relative to the definition's file"}
	}
	m, err := parse(data, spec.Message)
	switch {
	case errors.Is(err, errNoMessage):
		return nil, &assay.Flaw{Path: []string{"message"}, What: fmt.Sprintf("the descriptor set has no message %q", spec.Message), Hint: "give its full name, with its package: shop.v1.Order"}
	case err != nil:
		return nil, &assay.Flaw{Path: []string{"descriptor"}, What: "this is no descriptor set: " + plain(err), Hint: "write it with protoc --include_imports --descriptor_set_out=FILE, or buf build -o FILE"}
	}
	return m, nil
}

var errNoMessage = errors.New("no such message")

func parse(set []byte, name string) (*message, error) {
	var files descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(set, &files); err != nil {
		return nil, err
	}
	known, err := protodesc.NewFiles(&files)
	if err != nil {
		return nil, err
	}
	found, err := known.FindDescriptorByName(protoreflect.FullName(name))
	descriptor, is := found.(protoreflect.MessageDescriptor)
	if err != nil || !is {
		return nil, errNoMessage
	}
	return &message{descriptor, dynamicpb.NewTypes(known)}, nil
}

// read reads one message. Fields that are required and missing are seen as missing.
func (m *message) read(descriptor protoreflect.MessageDescriptor, data []byte, depth int) (any, error) {
	if len(data) > maxMessage {
		return nil, fmt.Errorf("it has more than %d MB", maxMessage>>20)
	}
	value := dynamicpb.NewMessage(descriptor)
	options := proto.UnmarshalOptions{AllowPartial: true, Resolver: m.types, RecursionLimit: maxDepth}
	if err := options.Unmarshal(data, value); err != nil {
		return nil, errors.New(plain(err))
	}
	return m.object(value, depth)
}

// plain is what an error of the library says: its first space is another one from build to build, so that nobody
// compares such texts, as differences are.
func plain(err error) string {
	return strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto: ")
}
