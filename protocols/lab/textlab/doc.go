// Package textlab holds the Telnet and Gopher servers for tests and
// demonstrations:
//
//   - [TelnetServer]: Telnet with a login and a small shell (RFC 854, 855, 857, 858, 1073, 1091, 1572)
//   - [GopherServer]: Gopher (RFC 1436) and Gopher+
package textlab
