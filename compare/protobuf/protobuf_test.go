package protobuf_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare"
	"github.com/assaylab/assay/compare/format"
	"github.com/assaylab/assay/compare/protobuf"
)

// shop is the descriptor of a file, as compilers of Protocol Buffers write it.
const shop = `
name: "shop.proto" package: "shop" syntax: "proto3"
dependency: ["google/protobuf/any.proto", "google/protobuf/timestamp.proto"]
enum_type { name: "State" value { name: "OPEN" number: 0 } value { name: "PAID" number: 1 } }
message_type { name: "Item"
  field { name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL json_name: "name" }
  field { name: "price" number: 2 type: TYPE_DOUBLE label: LABEL_OPTIONAL json_name: "price" }
  field { name: "parts" number: 3 type: TYPE_MESSAGE type_name: ".shop.Item" label: LABEL_REPEATED json_name: "parts" }
}
message_type { name: "Order"
  field { name: "id" number: 1 type: TYPE_INT64 label: LABEL_OPTIONAL json_name: "id" }
  field { name: "items" number: 2 type: TYPE_MESSAGE type_name: ".shop.Item" label: LABEL_REPEATED json_name: "items" }
  field { name: "state" number: 3 type: TYPE_ENUM type_name: ".shop.State" label: LABEL_OPTIONAL json_name: "state" }
  field { name: "labels" number: 4 type: TYPE_MESSAGE type_name: ".shop.Order.LabelsEntry" label: LABEL_REPEATED json_name: "labels" }
  field { name: "raw_data" number: 5 type: TYPE_BYTES label: LABEL_OPTIONAL json_name: "rawData" }
  field { name: "note" number: 6 type: TYPE_STRING label: LABEL_OPTIONAL proto3_optional: true oneof_index: 0 json_name: "note" }
  field { name: "at" number: 7 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL json_name: "at" }
  field { name: "extra" number: 8 type: TYPE_MESSAGE type_name: ".google.protobuf.Any" label: LABEL_OPTIONAL json_name: "extra" }
  field { name: "ratio" number: 9 type: TYPE_FLOAT label: LABEL_OPTIONAL json_name: "ratio" }
  nested_type { name: "LabelsEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL json_name: "key" }
    field { name: "value" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL json_name: "value" }
  }
  oneof_decl { name: "_note" }
}`

// shopSet is the descriptor set, and the type of its orders.
func shopSet(t testing.TB) ([]byte, protoreflect.MessageDescriptor, *dynamicpb.Types) {
	t.Helper()
	var file descriptorpb.FileDescriptorProto
	if err := prototext.Unmarshal([]byte(shop), &file); err != nil {
		t.Fatal(err)
	}
	all := &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(anypb.File_google_protobuf_any_proto),
		protodesc.ToFileDescriptorProto(timestamppb.File_google_protobuf_timestamp_proto), &file,
	}}
	set, err := proto.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	var files *protoregistry.Files
	if files, err = protodesc.NewFiles(all); err != nil {
		t.Fatal(err)
	}
	order, err := files.FindDescriptorByName("shop.Order")
	if err != nil {
		t.Fatal(err)
	}
	return set, order.(protoreflect.MessageDescriptor), dynamicpb.NewTypes(files)
}

func comparator(t testing.TB, set []byte, options assay.ComparatorSpec) assay.Comparator {
	t.Helper()
	options.Kind, options.Descriptor = assay.CompareBody, "shop.binpb"
	if options.Message == "" {
		options.Message = "shop.Order"
	}
	c, flaws := compare.Extra{Formats: format.Formats{protobuf.Format(func(name string) ([]byte, error) {
		if name != "shop.binpb" {
			return nil, os.ErrNotExist
		}
		return set, nil
	})}}.New([]assay.ComparatorSpec{options})
	if len(flaws) > 0 {
		t.Fatal(flaws)
	}
	return c
}

func answer(media string, body []byte) *assay.Observation {
	o := &assay.Observation{Status: 200, Header: assay.Header{}, Body: body, BodySize: int64(len(body))}
	o.Header.Set("Content-Type", media)
	return o
}

// TestGolden reads records of testdata/protobuf.txt: orders in Protocol Buffers' text form, or, after "go:", the
// bytes as a Go string literal, and the differences wanted.
func TestGolden(t *testing.T) {
	set, order, types := shopSet(t)
	text, err := os.ReadFile("testdata/protobuf.txt")
	if err != nil {
		t.Fatal(err)
	}
	encode := func(t *testing.T, side string) []byte {
		if literal, is := strings.CutPrefix(side, "go:"); is {
			data, err := strconv.Unquote(literal)
			if err != nil {
				t.Fatal(err)
			}
			return []byte(data)
		}
		m := dynamicpb.NewMessage(order)
		if err := (prototext.UnmarshalOptions{Resolver: types}).Unmarshal([]byte(side), m); err != nil {
			t.Fatal(err)
		}
		data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	records := strings.Split(strings.TrimSpace(string(text)), "\n\n")
	if len(records) < 15 {
		t.Errorf("%d records", len(records))
	}
	for _, record := range records {
		fields := map[string]string{}
		var want []string
		media := "application/protobuf"
		for line := range strings.Lines(record) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
			value = strings.TrimSpace(value)
			switch name {
			case "want":
				want = append(want, value)
			case "type":
				media = value
			default:
				fields[name] = value
			}
		}
		t.Run(fields["case"], func(t *testing.T) {
			options := assay.ComparatorSpec{As: "protobuf"}
			if path := fields["ignore"]; path != "" {
				options.Ignore = []string{path}
			}
			if path := fields["key"]; path != "" {
				options.Key = map[string]string{path: "$.name"}
			}
			c := comparator(t, set, options)
			control, other := answer(media, encode(t, fields["control"])), answer(media, encode(t, fields["candidate"]))
			got := lines(c.Compare(control, other))
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if back := c.Compare(other, control); len(back) != len(got) {
				t.Errorf("%d differences one way, %d the other", len(got), len(back))
			}
		})
	}
}

func lines(all []assay.Difference) (lines []string) {
	for _, d := range all {
		lines = append(lines, strings.TrimRight(fmt.Sprintf("%s %s | %s | %s | %s | %s", d.Kind, d.Path, d.Control, d.Candidate, d.Detail, d.Ignored), " |"))
	}
	return lines
}

func TestFlaws(t *testing.T) {
	set, _, _ := shopSet(t)
	for name, tt := range map[string]struct {
		spec assay.ComparatorSpec
		set  []byte
		at   string
	}{
		"no descriptor":   {assay.ComparatorSpec{As: "protobuf", Message: "shop.Order"}, set, "as"},
		"no message":      {assay.ComparatorSpec{As: "protobuf", Descriptor: "x"}, set, "as"},
		"unknown message": {assay.ComparatorSpec{As: "protobuf", Descriptor: "x", Message: "shop.Cart"}, set, "message"},
		"an enumeration":  {assay.ComparatorSpec{As: "protobuf", Descriptor: "x", Message: "shop.State"}, set, "message"},
		"no set":          {assay.ComparatorSpec{As: "protobuf", Descriptor: "x", Message: "shop.Order"}, []byte("\xff"), "descriptor"},
		"no file":         {assay.ComparatorSpec{As: "protobuf", Descriptor: "x", Message: "shop.Order"}, nil, "descriptor"},
	} {
		tt.spec.Kind = assay.CompareBody
		_, flaws := compare.Extra{Formats: format.Formats{protobuf.Format(func(string) ([]byte, error) {
			if tt.set == nil {
				return nil, errors.New("no such file")
			}
			return tt.set, nil
		})}}.New([]assay.ComparatorSpec{tt.spec})
		if len(flaws) != 1 || flaws[0].Path[len(flaws[0].Path)-1] != tt.at || flaws[0].Hint == "" {
			t.Errorf("%s: %+v", name, flaws)
		}
	}
}

// Without a descriptor, messages are their bytes.
func TestWithoutDescriptor(t *testing.T) {
	c, flaws := compare.Extra{Formats: format.Formats{protobuf.Format(os.ReadFile)}}.New([]assay.ComparatorSpec{{Kind: assay.CompareBody}})
	if len(flaws) > 0 {
		t.Fatal(flaws)
	}
	if got := c.Compare(answer("application/protobuf", []byte("\x08\x01")), answer("application/protobuf", []byte("\x08\x02"))); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

func FuzzMessages(f *testing.F) {
	set, _, _ := shopSet(f)
	for _, seed := range []string{"\x08\x01", "\x12\x03\x0a\x01a", "\x00\x00\x00\x00\x02\x08\x01", "\x80\x00\x00\x00\x03a:b", "\xa0\x06\x01\x13\x14", "\x3a\x02\x08\x01"} {
		f.Add([]byte(seed), []byte("\x08\x02"), seed[0] == 0)
	}
	c := comparator(f, set, assay.ComparatorSpec{})
	f.Fuzz(func(t *testing.T, a, b []byte, framed bool) {
		media := "application/protobuf"
		if framed {
			media = "application/grpc"
		}
		there, back := c.Compare(answer(media, a), answer(media, b)), c.Compare(answer(media, b), answer(media, a))
		if len(there) != len(back) {
			t.Fatalf("%+v but %+v", there, back)
		}
	})
}
