// Package transport opens every socket of the clients: names and happy eyeballs
// (RFC 8305), SOCKS5 (RFC 1928, 1929) and HTTP CONNECT proxies (RFC 9110 section
// 9.3.6), UNIX sockets, local addresses, listeners for active FTP, and TLS (RFC
// 8446) with its checks. A [Dialer] belongs to one client; its connections share
// one TLS session cache, so that FTP data connections resume the control session.
//
// # Time
//
// Idle time is time without one byte moving, in either direction asked for: a
// slow link never times out while bytes trickle. A context given to [Conn.Use]
// ends blocked I/O at once, and the connection is not usable afterwards.
//
// # Fast paths
//
// On Linux a plain TCP connection is copied to a file with splice and from a
// file with sendfile, by the standard library, in bounded pieces; between the
// pieces the bytes are counted and deadlines renewed. TLS, a limiter or another
// kind of peer go through one buffer of 256 KiB.
//
// # Secrets
//
// [Conn.AllowSecret] is the one function that says whether a secret may be sent.
package transport
