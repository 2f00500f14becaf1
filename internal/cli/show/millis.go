package show

import "time"

// Millis returns a duration in milliseconds, for JSON.
func Millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// KnownMillis is Millis, nil for a duration that is not known.
func KnownMillis(d time.Duration) *float64 {
	if d == 0 {
		return nil
	}
	return new(Millis(d))
}
