package notify

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"sync"
)

// memory is what each channel was told, over restarts: by channel, what an event is about and what it said.
type memory struct {
	path string // "": nothing outlives the program

	mu   sync.Mutex
	told map[string]map[string]string
}

func openMemory(path string) (*memory, error) {
	m := &memory{path: path, told: map[string]map[string]string{}}
	text, err := os.ReadFile(path)
	if path == "" || errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &m.told)
	}
	if m.told == nil { // the file said null
		m.told = map[string]map[string]string{}
	}
	return m, err
}

func (m *memory) knows(channel string, e *Event) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.told[channel][e.key] == e.value
}

// note remembers that a channel was told.
func (m *memory) note(channel string, e *Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.told[channel] == nil {
		m.told[channel] = map[string]string{}
	}
	m.told[channel][e.key] = e.value
	return m.save()
}

// keep forgets the channels and subjects that are no more.
func (m *memory) keep(channels map[string]bool, subject func(key string) bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	changed := false
	for channel, told := range m.told {
		if !channels[channel] {
			delete(m.told, channel)
			changed = true
		}
		for key := range told {
			if !subject(key) {
				delete(told, key)
				changed = true
			}
		}
	}
	if !changed {
		return nil
	}
	return m.save()
}

// save writes the file whole, or not at all.
func (m *memory) save() error {
	if m.path == "" {
		return nil
	}
	text, err := json.Marshal(m.told)
	if err != nil {
		return err
	}
	if err := os.WriteFile(m.path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(m.path+".new", m.path)
}
