package cli

import "time"

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func known(d time.Duration) *float64 {
	if d == 0 {
		return nil
	}
	return new(ms(d))
}
