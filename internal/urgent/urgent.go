// Package urgent is the urgent data of TCP (RFC 9293 section 3.8.5, RFC 6093):
// Telnet's Synch and raw sockets need it.
package urgent
