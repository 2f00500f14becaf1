package smtp

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// proxyMark begins a header of the second version of the PROXY protocol.
const proxyMark = "\r\n\r\n\x00\r\nQUIT\n"

// proxyHeader returns the bytes that a connection through a proxy begins with, from
// the line of the first version: "PROXY TCP4 192.0.2.1 192.0.2.2 4567 25", or "PROXY
// UNKNOWN". The second version says the same in binary.
func proxyHeader(line string, binaryForm bool) (string, error) {
	bad := protocols.UsageError(proto, "", "the PROXY header is one line, as: PROXY TCP4 192.0.2.1 192.0.2.2 4567 25")
	words := strings.Split(line, " ")
	if line == "PROXY UNKNOWN" {
		if binaryForm {
			return proxyMark + "\x20\x00\x00\x00", nil
		}
		return line + "\r\n", nil
	}
	if len(words) != 6 || words[0] != "PROXY" {
		return "", bad
	}
	var ends [2]netip.AddrPort
	for i := range ends {
		ip, err := netip.ParseAddr(words[2+i])
		port, perr := strconv.ParseUint(words[4+i], 10, 16)
		if err != nil || perr != nil || ip.Zone() != "" || ip.Is4() != (words[1] == "TCP4") || ip.Is6() != (words[1] == "TCP6") {
			return "", bad
		}
		ends[i] = netip.AddrPortFrom(ip, uint16(port))
	}
	if !binaryForm {
		return line + "\r\n", nil
	}
	family := byte(0x11)
	if ends[0].Addr().Is6() {
		family = 0x21
	}
	var body []byte
	body = append(body, ends[0].Addr().AsSlice()...)
	body = append(body, ends[1].Addr().AsSlice()...)
	body = binary.BigEndian.AppendUint16(body, ends[0].Port())
	body = binary.BigEndian.AppendUint16(body, ends[1].Port())
	head := binary.BigEndian.AppendUint16([]byte(proxyMark+"\x21"+string(family)), uint16(len(body)))
	return string(append(head, body...)), nil
}
