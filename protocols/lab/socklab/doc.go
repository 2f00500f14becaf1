// Package socklab holds what works on plain connections, for tests and
// demonstrations:
//
//   - [Server]: echo, discard, daytime and chargen over TCP, UDP and UNIX sockets (RFC 862, 863, 867, 864)
//   - [Proxy]: passes TCP connections on to one target and applies faults to their bytes
//   - [SOCKSProxy], [ConnectProxy]: SOCKS5 (RFC 1928, 1929) and HTTP CONNECT (RFC 9110 section 9.3.6)
package socklab
