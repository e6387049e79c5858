package protobuf

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

var errDepth = errors.New("it goes too deep")

// object is a message as protojson has it, but that all integers are numbers and that fields nobody knows are
// listed under "#unknown". Moments are texts; what stands in an Any is read where its type is known.
func (m *message) object(v protoreflect.Message, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	if text, is := moment(v); is {
		return text, nil
	}
	fields := map[string]any{}
	var failed error
	v.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		fields[nameOf(field)], failed = m.field(field, value, depth)
		return failed == nil
	})
	if failed != nil {
		return nil, failed
	}
	if unknown := unknownFields(v.GetUnknown()); len(unknown) > 0 {
		fields["#unknown"] = unknown
	}
	return fields, m.unpack(v, fields, depth)
}

func nameOf(field protoreflect.FieldDescriptor) string {
	if field.IsExtension() {
		return "[" + string(field.FullName()) + "]"
	}
	return field.JSONName()
}

func (m *message) field(field protoreflect.FieldDescriptor, value protoreflect.Value, depth int) (any, error) {
	switch {
	case field.IsList():
		return m.list(field, value.List(), depth)
	case field.IsMap():
		return m.entries(field.MapValue(), value.Map(), depth)
	}
	return m.single(field, value, depth)
}

func (m *message) list(field protoreflect.FieldDescriptor, list protoreflect.List, depth int) (any, error) {
	items := make([]any, list.Len())
	for i := range items {
		var err error
		if items[i], err = m.single(field, list.Get(i), depth); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func (m *message) entries(field protoreflect.FieldDescriptor, all protoreflect.Map, depth int) (any, error) {
	entries := map[string]any{}
	var failed error
	all.Range(func(key protoreflect.MapKey, value protoreflect.Value) bool {
		entries[key.String()], failed = m.single(field, value, depth)
		return failed == nil
	})
	return entries, failed
}

func (m *message) single(field protoreflect.FieldDescriptor, value protoreflect.Value, depth int) (any, error) {
	switch field.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return m.object(value.Message(), depth+1)
	case protoreflect.EnumKind:
		if known := field.Enum().Values().ByNumber(value.Enum()); known != nil {
			return string(known.Name()), nil
		}
		return int32(value.Enum()), nil
	case protoreflect.BytesKind:
		return base64.StdEncoding.EncodeToString(value.Bytes()), nil
	case protoreflect.FloatKind:
		return decimal(value.Float(), 32), nil
	case protoreflect.DoubleKind:
		return decimal(value.Float(), 64), nil
	}
	return value.Interface(), nil
}

// decimal is the shortest number that is read as this one; what JSON has no number for is a text.
func decimal(v float64, bits int) any {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	return json.Number(strconv.FormatFloat(v, 'g', -1, bits))
}

// moment is a google.protobuf.Timestamp in RFC 3339's form, if it has one.
func moment(v protoreflect.Message) (string, bool) {
	const first, last = -62135596800, 253402300799 // the years 1 to 9999
	d := v.Descriptor()
	if d.FullName() != "google.protobuf.Timestamp" || len(v.GetUnknown()) > 0 {
		return "", false
	}
	seconds, nanos := d.Fields().ByName("seconds"), d.Fields().ByName("nanos")
	if seconds == nil || nanos == nil || seconds.Kind() != protoreflect.Int64Kind || nanos.Kind() != protoreflect.Int32Kind {
		return "", false
	}
	s, n := v.Get(seconds).Int(), v.Get(nanos).Int()
	if s < first || s > last || n < 0 || n >= 1e9 {
		return "", false
	}
	return time.Unix(s, n).UTC().Format(time.RFC3339Nano), true
}

// unpack reads what stands in a google.protobuf.Any whose type is known and puts it in the place of its bytes.
func (m *message) unpack(v protoreflect.Message, fields map[string]any, depth int) error {
	url, isText := fields["typeUrl"].(string)
	if v.Descriptor().FullName() != "google.protobuf.Any" || !isText {
		return nil
	}
	known, err := m.types.FindMessageByURL(url)
	if err != nil {
		return nil // its bytes stand for it
	}
	packed, isText := fields["value"].(string)
	data, err := base64.StdEncoding.DecodeString(packed)
	if !isText && packed != "" || err != nil {
		return err
	}
	fields["value"], err = m.read(known.Descriptor(), data, depth+1)
	return err
}

// unknownFields lists fields by their numbers; those of one number in their order.
func unknownFields(data []byte) []any {
	byNumber := map[protowire.Number][]any{}
	for len(data) > 0 {
		number, wire, tag := protowire.ConsumeTag(data)
		if tag < 0 {
			break // Unmarshal has refused it before
		}
		size := protowire.ConsumeFieldValue(number, wire, data[tag:])
		if size < 0 {
			break
		}
		byNumber[number] = append(byNumber[number], unknownField(number, wire, data[tag:tag+size]))
		data = data[tag+size:]
	}
	var all []any
	for _, number := range slices.Sorted(maps.Keys(byNumber)) {
		all = append(all, byNumber[number]...)
	}
	return all
}

func unknownField(number protowire.Number, wire protowire.Type, data []byte) any {
	field := map[string]any{"field": int32(number)}
	switch wire {
	case protowire.VarintType:
		field["varint"], _ = protowire.ConsumeVarint(data)
	case protowire.Fixed32Type:
		field["fixed32"], _ = protowire.ConsumeFixed32(data)
	case protowire.Fixed64Type:
		field["fixed64"], _ = protowire.ConsumeFixed64(data)
	case protowire.BytesType:
		inner, _ := protowire.ConsumeBytes(data)
		field["bytes"] = base64.StdEncoding.EncodeToString(inner)
	default:
		field["group"] = base64.StdEncoding.EncodeToString(data)
	}
	return field
}
