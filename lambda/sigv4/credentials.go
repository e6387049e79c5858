package sigv4

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// ReadCredentials reads the profiles of a file in the format of AWS's ~/.aws/credentials. What else a
// profile has is passed over. The error names a line, and no secret.
func ReadCredentials(r io.Reader) ([]Credential, error) {
	var all []Credential
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			all = append(all, Credential{})
		case len(all) == 0:
			return nil, fmt.Errorf("line %d stands before the first [profile]", n)
		default:
			all[len(all)-1].set(line)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return complete(all)
}

func (c *Credential) set(line string) {
	key, value, _ := strings.Cut(line, "=")
	value = strings.TrimSpace(value)
	switch strings.ToLower(strings.TrimSpace(key)) {
	case "aws_access_key_id":
		c.AccessKeyID = value
	case "aws_secret_access_key":
		c.SecretAccessKey = value
	case "aws_session_token":
		c.SessionToken = value
	}
}

// complete leaves out profiles without keys, as those that assume a role.
func complete(all []Credential) ([]Credential, error) {
	var whole []Credential
	for i, c := range all {
		switch {
		case c.AccessKeyID != "" && c.SecretAccessKey != "":
			whole = append(whole, c)
		case c.AccessKeyID != "" || c.SecretAccessKey != "":
			return nil, fmt.Errorf("profile %d has one half of a key: aws_access_key_id and aws_secret_access_key belong together", i+1)
		}
	}
	if len(whole) == 0 {
		return nil, fmt.Errorf("it has no profile with aws_access_key_id and aws_secret_access_key")
	}
	return whole, nil
}
