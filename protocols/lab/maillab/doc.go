// Package maillab holds the mail servers for tests and demonstrations, all on
// one in-memory store of messages, [Mailboxes]:
//
//   - [SMTPServer]: SMTP, submission and LMTP (RFC 5321, 6409, 2033, 2852, 3030, 3207, 3461, 4954, 6531, 6710, 8689)
//   - [POP3Server]: POP3 (RFC 1939, 2449, 2595, 3206, 5034, 6856)
//   - [IMAPServer]: IMAP4rev1 (RFC 3501, 2177, 2342, 3691, 4315, 4731, 5819, 6851, 7888)
package maillab
