// Package newslab is an NNTP server for tests and demonstrations (RFC 977, 2980,
// 3977, 4642, 4643, 4644, 6048, 8054): it serves an in-memory [Spool], as a
// current reader, a feeding server or one from before RFC 3977.
package newslab
