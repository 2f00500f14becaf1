package expect

import (
	"crypto/tls"

	"github.com/netclients/netclients/protocols"
)

// EndInput tells the peer of a stream that no more will be sent: it closes the stream for
// writing, so that the peer sees the end and can still answer. Under TLS it does so only
// with always, or where the stream says that it HalfCloses: many servers take the close_notify for the end of both directions, close,
// and the reset discards what they had sent. It does nothing on a stream that cannot be
// closed for writing alone.
func EndInput(stream any, always bool) error {
	half, ok := stream.(interface{ CloseWrite() error })
	if !ok {
		return nil
	}
	if s, ok := stream.(interface{ HalfCloses() bool }); ok && s.HalfCloses() {
		always = true
	}
	if s, ok := stream.(interface{ TLS() *tls.ConnectionState }); ok && s.TLS() != nil && !always {
		return nil
	}
	err := half.CloseWrite()
	if protocols.KindOf(err) == protocols.KindUsage { // this kind of connection cannot
		return nil
	}
	return err
}
