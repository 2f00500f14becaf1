// Package urgent sends and detects TCP urgent data (RFC 9293 section 3.8.5, RFC
// 6093), for Telnet's Synch and raw sockets.
package urgent
