package show

import "time"

func Millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func KnownMillis(d time.Duration) *float64 {
	if d == 0 {
		return nil
	}
	return new(Millis(d))
}
