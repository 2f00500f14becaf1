// Package wire holds what the line protocols share: bounded lines and replies, checked commands, pipelining, dot-stuffing.
//
// The parts, one a file:
//
//   - Check is the one test for CR, LF and NUL that everything passes before it becomes part of a command.
//   - LineReader reads lines with a hard limit and hands out the raw bytes behind them.
//   - ReadReply parses numeric replies: FTP (RFC 959 4.2), SMTP and LMTP (RFC 5321 4.2, RFC 2033) and NNTP
//     (RFC 3977 3.2). ReadStatus parses POP3 answers (RFC 1939 3, RFC 2449 8, RFC 5034 4). Enhanced takes the
//     enhanced status code from a reply's text (RFC 2034, RFC 3463).
//   - Writer collects commands and writes them at once.
//   - Window keeps a bounded number of commands in flight (RFC 2920, RFC 2449 6.6, RFC 3977 3.5).
//   - DotWriter and DotReader do dot-stuffing by blocks, byte-exact (RFC 5321 4.5.2, RFC 1939 3, RFC 3977 3.1.1).
//
// Nothing here knows of sockets, deadlines or contexts: the caller's connection has those. No value of this package
// may be used by two goroutines at once; a LineReader and a Writer on one connection are independent of each other.
// Errors are the types of this package, the errors of the connection itself, io.EOF and io.ErrUnexpectedEOF.
package wire
