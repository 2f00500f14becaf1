// Package weblab holds the web servers for tests and demonstrations:
//
//   - [HTTPServer]: HTTP/1.1, 2 and 3 with TLS, logins, ranges and WebDAV (RFC 9110, 9112, 9113, 9114, 4918)
//   - [XMLRPCServer]: XML-RPC with introspection, on an [HTTPServer]
package weblab
