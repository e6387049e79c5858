package stream

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"sync"
)

// saltSize is the size of what makes the key of one process's messages its own: so many messages can be sealed
// under one key with nonces drawn by chance, NIST SP 800-38D says 2^32, and a laboratory runs for years.
const saltSize = 16

// senders is how many senders' keys are remembered.
const senders = 256

// sealer seals and opens what travels: salt, nonce, and AES-256-GCM under a key derived for the salt.
type sealer struct {
	secret []byte
	salt   []byte

	mu   sync.Mutex
	keys map[string]cipher.AEAD
}

func newSealer(secret []byte) (*sealer, error) {
	if len(secret) < 32 {
		return nil, errors.New("the key that machines share is too short")
	}
	s := &sealer{secret: secret, salt: make([]byte, saltSize), keys: map[string]cipher.AEAD{}}
	rand.Read(s.salt)
	_, err := s.key(s.salt)
	return s, err
}

func (s *sealer) key(salt []byte) (cipher.AEAD, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.keys[string(salt)]; k != nil {
		return k, nil
	}
	key, err := hkdf.Key(sha256.New, s.secret, salt, "assay stream v1", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	k, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	if len(s.keys) >= senders {
		clear(s.keys)
	}
	s.keys[string(salt)] = k
	return k, nil
}

// seal protects a message; what says what it is, so that none can stand for another.
func (s *sealer) seal(plain []byte, what string) ([]byte, error) {
	k, err := s.key(s.salt)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, saltSize+len(plain)+k.Overhead())
	return k.Seal(append(out, s.salt...), nil, plain, []byte(what)), nil
}

var errSealed = errors.New("it was sealed under another key, or changed on its way")

func (s *sealer) open(sealed []byte, what string) ([]byte, error) {
	if len(sealed) < saltSize {
		return nil, errSealed
	}
	k, err := s.key(sealed[:saltSize])
	if err != nil {
		return nil, err
	}
	plain, err := k.Open(nil, nil, sealed[saltSize:], []byte(what))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}
