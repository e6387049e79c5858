// Package wire speaks HTTP/1.1 in bytes. In come clients' connections; out goes, over a connection to the
// service that answers, what each said, and back comes the service's answer: fields in their order and
// spelling, chunks, trailers and bodies as they were sent. Only what concerns a single connection is changed
// (RFC 9110, section 7.6.1), and the X-Forwarded fields of a proxy are added.
//
// A request is read strictly (RFC 9112): one that two readers could take in two ways is refused, never sent
// on. Whatever is not plain HTTP/1.1 with a body or without (HTTP/2, TLS, upgrades, Expect, large heads), and
// every request that its Router does not want relayed, goes to net/http's server: the connection is handed
// over with the bytes read so far put back, and stays there.
package wire
