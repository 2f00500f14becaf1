// Package ftplab is an FTP server for tests and demonstrations (RFC 959, 1123,
// 2228, 2389, 2428, 2640, 3659, 4217, 7151): it serves a [lab.Tree], with TLS,
// several listing formats and scripted faults.
package ftplab
