package transport

import "encoding/binary"

// records reads a TLS stream in large pieces and returns it record by record, RFC
// 8446 section 5.1. crypto/tls alone makes a system call for each record; it also
// keeps excess bytes, which would be lost to the unencrypted data that follows
// the end of TLS (RFC 4217 section 12.3).
type records struct {
	buf  []byte // backing store
	have []byte // part of buf, read but not returned
	left int    // remaining bytes of the current record
	head []byte // its header, as far as it was returned
}

const recordHeader = 5

func newRecords() *records { return &records{buf: make([]byte, 64<<10)} }

// read returns bytes up to the end of one record.
func (r *records) read(p []byte, from func([]byte) (int, error)) (int, error) {
	if len(r.have) == 0 {
		n, err := from(r.buf)
		if n == 0 {
			return 0, err
		}
		r.have = r.buf[:n]
	}
	if r.left == 0 {
		return r.header(p), nil
	}
	n := copy(p[:min(len(p), r.left)], r.have)
	r.have, r.left = r.have[n:], r.left-n
	return n, nil
}

// header returns bytes of a header, and of the record's start once the header is
// complete.
func (r *records) header(p []byte) int {
	n := copy(p[:min(len(p), recordHeader-len(r.head))], r.have)
	r.head = append(r.head, r.have[:n]...)
	r.have = r.have[n:]
	if len(r.head) < recordHeader {
		return n
	}
	r.left = int(binary.BigEndian.Uint16(r.head[3:]))
	r.head = r.head[:0]
	m := copy(p[n:min(len(p), n+r.left)], r.have)
	r.have, r.left = r.have[m:], r.left-m
	return n + m
}
