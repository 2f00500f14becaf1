package kit

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// timeFlags are the flags that the environment also sets for jobs of a fleet: they are
// about the machine. What a job does, its own command line says.
var timeFlags = []string{"timeout", "connect-timeout", "idle-timeout"}

// repeatable are the types of flags that may be given several times.
var repeatable = []string{"stringArray", "stringSlice", "SHA256", "HOST:PORT:ADDR", "HOST:PORT:HOST:PORT"}

// Variable returns the name of the environment variable that stands for a flag.
func Variable(flag string) string {
	return "NETCLIENTS_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// FlagsFromEnvironment sets the flags that were not given from the variables that stand
// for them: NETCLIENTS_LIMIT_RATE for --limit-rate, and so on. They come before a
// profile. Those that have no effect with this command are left alone; effect may be nil.
// A flag that may be repeated takes several lines.
func FlagsFromEnvironment(fs *pflag.FlagSet, getenv func(string) string, effect func(*pflag.Flag) bool) (err error) {
	fs.VisitAll(func(f *pflag.Flag) {
		value := getenv(Variable(f.Name))
		if err != nil || value == "" || f.Changed || f.Name == "help" || effect != nil && !effect(f) {
			return
		}
		values := []string{value}
		if slices.Contains(repeatable, f.Value.Type()) {
			values = strings.Split(strings.TrimSuffix(value, "\n"), "\n")
		}
		for _, v := range values {
			if bad := f.Value.Set(v); bad != nil {
				err = Usage("%s=%s: %v", Variable(f.Name), v, plainReason(f, bad))
				return
			}
		}
		f.Changed = true
	})
	return err
}

// plainReason is what is wrong with a value, in words for flags whose types have none.
func plainReason(f *pflag.Flag, err error) any {
	switch f.Value.Type() {
	case "bool":
		return "want true or false"
	case "int":
		return "want a number"
	}
	return err
}

// TimesOnly chooses the flags that a job takes from the environment.
func TimesOnly(f *pflag.Flag) bool { return slices.Contains(timeFlags, f.Name) }
