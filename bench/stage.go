package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// stage is everything that stands between wrk and a service, and the services. Paths begin with
// an experiment's name, and end alike everywhere: json is 1 kB from nginx, paced the same after 2 ms, sink
// takes a POST and drops it.
type stage struct {
	dir       string
	origin    *origin
	processes []*process

	direct, nginx, mirror, haproxy string // URLs
}

// answerKB is the answer of a fast service: 1 kB of JSON.
var answerKB = `{"id":"7f3c","items":["` + strings.Repeat("lorem ipsum ", 80) + `"],"total":12.5}`

// nginxService answers at once from memory. One worker is enough, and leaves the rest to what is measured.
const nginxService = `
daemon off; worker_processes 1; pid PID; error_log stderr crit;
events { worker_connections 2048; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s;
  server { listen DIRECT; location / { default_type application/json; return 200 'ANSWER'; } }
}`

// nginxProxy has as many workers as this machine has processors: as many as Assay may use. Connections to
// the service are kept, and bodies stream: nginx's defaults would only be slower.
const nginxProxy = `
daemon off; worker_processes auto; pid PID; error_log stderr crit;
events { worker_connections 2048; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s; client_max_body_size 0;
  client_body_temp_path DIR/body; proxy_temp_path DIR/proxy; fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s;
  upstream service { server DIRECT; keepalive 128; keepalive_requests 100000000; }
  upstream own { server OWN; keepalive 128; keepalive_requests 100000000; }
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off;
  server { listen NGINX;
    location / { proxy_pass http://service; }
    location ~ /sink$ { proxy_pass http://own; }
  }
  server { listen MIRROR;
    location / { mirror /copy; proxy_pass http://service; }
    location = /copy { internal; proxy_pass http://service$request_uri; }
  }
}`

const haproxyConfig = `
global
  maxconn 2048
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  http-reuse always
frontend all
  bind HAPROXY
  use_backend own if { path_end /sink }
  default_backend service
backend service
  server s DIRECT
backend own
  server s OWN
`

// newStage starts the services and the proxies. What it started, close ends.
func newStage(dir string) (s *stage, err error) {
	s = &stage{dir: dir}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.origin, err = newOrigin(); err != nil {
		return nil, err
	}
	ports, err := freePorts(4)
	if err != nil {
		return nil, err
	}
	fill := strings.NewReplacer("DIRECT", ports[0], "NGINX", ports[1], "MIRROR", ports[2], "HAPROXY", ports[3],
		"OWN", s.origin.address, "DIR", dir, "ANSWER", answerKB)
	for _, p := range []struct {
		name, config string
		command      []string
		listens      []string
	}{
		{"service.conf", nginxService, []string{"nginx", "-p", dir, "-c"}, ports[:1]},
		{"proxy.conf", nginxProxy, []string{"nginx", "-p", dir, "-c"}, ports[1:3]},
		{"haproxy.conf", haproxyConfig, []string{"haproxy", "-q", "-db", "-f"}, ports[3:]},
	} {
		path := filepath.Join(dir, p.name)
		config := fill.Replace(strings.Replace(p.config, "PID", path+".pid", 1))
		if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
			return nil, err
		}
		if err := s.start(append(p.command, path), p.listens); err != nil {
			return nil, err
		}
	}
	s.direct, s.nginx, s.mirror, s.haproxy = "http://"+ports[0], "http://"+ports[1], "http://"+ports[2], "http://"+ports[3]
	return s, nil
}

func (s *stage) start(command, listens []string) error {
	p, err := start(command[0], command[1:]...)
	if err != nil {
		return fmt.Errorf("%w (scripts/setup test installs it)", err)
	}
	s.processes = append(s.processes, p)
	return p.listening(listens...)
}

func (s *stage) close() {
	for _, p := range s.processes {
		p.stop()
	}
	if s.origin != nil {
		s.origin.close()
	}
}
