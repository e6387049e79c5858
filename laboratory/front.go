package laboratory

import (
	"net/netip"
	"net/url"
	"strconv"
)

// leadsBack tells whether requests sent to a target come back to the gateway at front, as the same requests: its
// address is the gateway's, and it puts no path before theirs.
func leadsBack(target, front string) bool {
	u, err := url.Parse(target)
	own, failed := netip.ParseAddrPort(front)
	if err != nil || failed != nil || u.Port() != strconv.Itoa(int(own.Port())) || u.Path != "" && u.Path != "/" {
		return false
	}
	for _, host := range hosts(u.Hostname()) {
		if host == own.Addr().Unmap() || own.Addr().IsUnspecified() && host.IsLoopback() {
			return true
		}
	}
	return false
}

// hosts are the addresses of a host as far as its name tells without asking anybody.
func hosts(name string) []netip.Addr {
	if name == "localhost" {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	}
	a, err := netip.ParseAddr(name)
	if err != nil {
		return nil
	}
	return []netip.Addr{a.Unmap()}
}
