// Package transport opens every socket of the clients: name resolution and happy
// eyeballs (RFC 8305), SOCKS5 (RFC 1928, 1929) and HTTP CONNECT proxies (RFC 9110
// section 9.3.6), UNIX sockets, local addresses, listeners for active FTP, and
// TLS (RFC 8446) with its checks. A [Dialer] belongs to one client; its
// connections share one TLS session cache, so that FTP data connections resume
// the control session.
//
// # Time
//
// The idle timeout limits the time in which not one byte moves in the direction
// in use: a slow link does not time out as long as bytes arrive. Cancelling a
// context given to [Conn.Use] unblocks I/O at once, and the connection is
// unusable afterwards.
//
// # Fast paths
//
// On Linux the standard library copies a plain TCP connection to a file with
// splice and from a file with sendfile, in bounded pieces; between the pieces the
// bytes are counted and deadlines renewed. TLS, a limiter or another kind of peer
// use one buffer of 256 KiB.
//
// # Secrets
//
// [Conn.AllowSecret] is the only function that decides whether a secret may be
// sent.
package transport
