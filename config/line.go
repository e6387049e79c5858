package config

import "go.yaml.in/yaml/v4"

// Line is where a key stands in a definition file, found by the keys that lead to it: from 1, or 0 if it is not there.
func Line(text []byte, keys ...string) int {
	var document yaml.Node
	if yaml.Unmarshal(text, &document) != nil || len(document.Content) == 0 {
		return 0
	}
	line, node := 0, document.Content[0]
	for _, key := range keys {
		name, value := keyOf(node, key)
		if name == nil {
			return 0
		}
		line, node = name.Line, value
	}
	return line
}

// keyOf is a key of a mapping, and its value.
func keyOf(mapping *yaml.Node, key string) (name, value *yaml.Node) {
	if mapping.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i], mapping.Content[i+1]
		}
	}
	return nil, nil
}
