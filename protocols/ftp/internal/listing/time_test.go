package listing

import (
	"testing"
	"time"
)

func TestInferYear(t *testing.T) {
	at := func(s string) time.Time {
		t.Helper()
		v, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tc := range []struct{ now, listed, want string }{
		{"2024-12-01 12:00", "Nov 22 08:01", "2024-11-22 08:01"},
		{"2024-12-01 12:00", "Dec 02 12:00", "2024-12-02 12:00"},
		{"2024-12-01 12:00", "Dec 02 12:01", "2023-12-02 12:01"},
		{"2024-12-31 23:30", "Jan 01 00:10", "2025-01-01 00:10"},
		{"2024-12-31 23:30", "Jan 02 00:10", "2024-01-02 00:10"},
		{"2025-01-01 00:10", "Dec 31 23:59", "2024-12-31 23:59"},
		{"2024-02-28 12:00", "Feb 29 08:00", "2024-02-29 08:00"},
		{"2024-02-28 07:00", "Feb 29 08:00", "2020-02-29 08:00"},
		{"2023-03-01 12:00", "Feb 29 08:00", "2020-02-29 08:00"},
		{"2103-03-01 12:00", "Feb 29 08:00", "2096-02-29 08:00"},
	} {
		p := NewParser(at(tc.now), nil)
		e, ok := p.Feed("-rw-r--r-- 1 u g 5 " + tc.listed + " x")
		if !ok || !e.Modified.Equal(at(tc.want)) || e.Accuracy != time.Minute {
			t.Errorf("%s at %s gave %v", tc.listed, tc.now, e.Modified)
		}
	}
}

// The server's zone decides what lies in the future, and a change of its clock
// moves no date.
func TestInferYearInZone(t *testing.T) {
	now := time.Date(2024, 12, 31, 12, 0, 0, 0, time.UTC)
	line := "-rw-r--r-- 1 u g 5 Jan  1 20:00 x"
	for _, tc := range []struct {
		hours int
		want  int
	}{{0, 2024}, {9, 2025}, {-9, 2024}} {
		e, _ := NewParser(now, time.FixedZone("", tc.hours*3600)).Feed(line)
		if e.Modified.Year() != tc.want || e.Modified.Hour() != 20 {
			t.Errorf("UTC%+d: %v", tc.hours, e.Modified)
		}
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	p := NewParser(now, berlin)
	for listed, want := range map[string]string{"Mar 31 01:59": "00:59", "Mar 31 03:00": "01:00", "Jul  1 12:00": "10:00", "Nov  1 12:00": "11:00"} {
		e, ok := p.Feed("-rw-r--r-- 1 u g 5 " + listed + " x")
		if got := e.Modified.UTC().Format("15:04"); !ok || got != want {
			t.Errorf("%s: %s, want %s", listed, got, want)
		}
	}
}

func TestSetZone(t *testing.T) {
	now := time.Date(2024, 12, 30, 20, 0, 0, 0, time.UTC)
	p := NewParser(now, nil)
	line := "-rw-r--r-- 1 u g 5 Jan  1 04:00 x"
	if e, _ := p.Feed(line); e.Modified.Year() != 2024 {
		t.Errorf("in UTC: %v", e.Modified)
	}
	p.SetZone(time.FixedZone("", 9*3600))
	if e, _ := p.Feed(line); e.Modified.Year() != 2025 || !e.Modified.Equal(time.Date(2024, 12, 31, 19, 0, 0, 0, time.UTC)) {
		t.Errorf("in UTC+9: %v", e.Modified)
	}
}

func TestZoneOffset(t *testing.T) {
	exact := time.Date(2024, 11, 22, 8, 1, 42, 0, time.UTC)
	minute := exact.Truncate(time.Minute)
	for _, tc := range []struct {
		name   string
		listed time.Time
		acc    time.Duration
		want   time.Duration
		ok     bool
	}{
		{"same", minute, time.Minute, 0, true},
		{"east", minute.Add(2 * time.Hour), time.Minute, 2 * time.Hour, true},
		{"west", minute.Add(-5 * time.Hour), time.Minute, -5 * time.Hour, true},
		{"quarter", minute.Add(345 * time.Minute), time.Minute, 345 * time.Minute, true},
		{"seconds", exact.Add(time.Hour), 0, time.Hour, true},
		{"even seconds", exact.Add(time.Hour + time.Second), 0, time.Hour, true},
		{"most east", minute.Add(14 * time.Hour), time.Minute, 14 * time.Hour, true},
		{"too far east", minute.Add(15 * time.Hour), time.Minute, 0, false},
		{"too far west", minute.Add(-15 * time.Hour), time.Minute, 0, false},
		{"no quarter", minute.Add(7 * time.Minute), time.Minute, 0, false},
		{"seconds that differ", exact.Add(time.Hour + 10*time.Second), 0, 0, false},
		{"a day is too rough", exact.Truncate(day), day, 0, false},
		{"a year off", minute.AddDate(-1, 0, 0), time.Minute, 0, false},
		{"unknown", time.Time{}, time.Minute, 0, false},
	} {
		got, ok := ZoneOffset(tc.listed, tc.acc, exact)
		if ok != tc.ok || ok && got != tc.want {
			t.Errorf("%s: %v %v", tc.name, got, ok)
		}
	}
}

func TestParseTimeVal(t *testing.T) {
	for in, want := range map[string]string{
		"20241122080105":               "2024-11-22T08:01:05Z",
		"20241122080105.":              "2024-11-22T08:01:05Z",
		"20241122080105.5":             "2024-11-22T08:01:05.5Z",
		"20241122080105.1234567891234": "2024-11-22T08:01:05.123456789Z",
		"20240229235960":               "2024-03-01T00:00:00Z",
		"191241122080105":              "2024-11-22T08:01:05Z",
		"00010101000000":               "0001-01-01T00:00:00Z",
	} {
		got, ok := ParseTime(in)
		if !ok || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s gave %v %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "2024", "20231322080105", "20230229080105", "20241122240105", "20241122086005", "20241122080161",
		"2024112208010x", "20241122080105.x", "+0241122080105", "192241122080105", "20241122080105Z", "-20241122080105"} {
		if got, ok := ParseTime(in); ok {
			t.Errorf("%q gave %v", in, got)
		}
	}
}

func TestParseClock(t *testing.T) {
	for in, want := range map[string]clock{
		"8:01": {h: 8, m: 1}, "08:01": {h: 8, m: 1}, "23:59:60": {h: 23, m: 59, s: 60, sec: true},
		"00:00:00.25": {ns: 250000000, sec: true},
	} {
		if got, ok := parseClock(in); !ok || got != want {
			t.Errorf("%s gave %+v %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "8", ":01", "8:1", "24:00", "08:60", "008:01", "08:01:", "08:01:61", "08:01:05.", "08:01x", "08:01:05x", "08-01"} {
		if got, ok := parseClock(in); ok {
			t.Errorf("%q gave %+v", in, got)
		}
	}
}

func TestMonthNamesAreLowerAndShort(t *testing.T) {
	for name, month := range monthNames {
		if m, rest := monthField(name); m != month || rest != "" {
			t.Errorf("%q is not found: %v", name, m)
		}
	}
	for _, in := range []string{"", "jui", "nomonth", "13月", "0月", "1", "novembre"} {
		if m, _ := monthField(in); m != 0 {
			t.Errorf("%q gave %v", in, m)
		}
	}
}

func TestParseGrouped(t *testing.T) {
	for in, want := range map[string]int64{"0": 0, "0100": 100, "1,234": 1234, "1.234.567": 1234567, "1\u00a0234": 1234, "1'234": 1234, "9,223,372,036,854,775,808": -1} {
		if got, ok := parseGrouped(in); !ok || got != want {
			t.Errorf("%q gave %d %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "-1", "1,23", "1234,567", ",123", "1,,234", "0x10", "1e3"} {
		if got, ok := parseGrouped(in); ok {
			t.Errorf("%q gave %d", in, got)
		}
	}
}
