//go:build !unix

package telnetcmd

// ttySignals has the shape of that of unix: there are no such signals here.
type ttySignals struct{ resized, leave, back, end func() }

func (*ttySignals) watch() (stop func()) { return func() {} }

func (*ttySignals) suspend(int) {}
