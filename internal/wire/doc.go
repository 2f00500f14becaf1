// Package wire implements what the line protocols share: bounded lines and replies, checked commands, pipelining and dot-stuffing.
//
// The parts, one per file:
//
//   - Check is the single test for CR, LF and NUL that every argument passes before it becomes part of a command.
//   - LineReader reads lines with a hard limit and returns the raw bytes after them.
//   - ReadReply parses numeric replies: FTP (RFC 959 4.2), SMTP and LMTP (RFC 5321 4.2, RFC 2033) and NNTP
//     (RFC 3977 3.2). ReadStatus parses POP3 status lines (RFC 1939 3, RFC 2449 8, RFC 5034 4). Enhanced splits the
//     enhanced status code from a reply's text (RFC 2034, RFC 3463).
//   - Writer buffers commands and writes them at once.
//   - Window keeps a bounded number of commands in flight (RFC 2920, RFC 2449 6.6, RFC 3977 3.5).
//   - DotWriter and DotReader add and remove dot-stuffing block by block, byte-exact (RFC 5321 4.5.2, RFC 1939 3, RFC 3977 3.1.1).
//
// This package has no sockets, deadlines or contexts: the caller's connection has them. Values of this package are not
// safe for concurrent use, but a LineReader and a Writer on one connection are independent of each other.
// Errors are the types of this package, the errors of the connection itself, io.EOF and io.ErrUnexpectedEOF.
package wire
