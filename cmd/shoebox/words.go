package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// words is how many words a command takes behind its name. Who gives too few or too many is shown how it is done.
func words(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least && len(args) == 0:
			return usageError(cmd, "something is missing behind %s", cmd.Name())
		case len(args) < least:
			return usageError(cmd, "something is missing behind %s", args[len(args)-1])
		case most >= 0 && len(args) > most:
			return usageError(cmd, "%s does not know what to do with %q", cmd.Name(), args[most])
		}
		return nil
	}
}

// many is for commands that take any number of words.
const many = -1

// usageError says how a command is used. The examples say more than any rule.
func usageError(cmd *cobra.Command, format string, args ...any) error {
	return fmt.Errorf("%s.\nIt is used like this:\n%s", fmt.Sprintf(format, args...), cmd.Example)
}

// flagError adds where the flags are listed.
func flagError(cmd *cobra.Command, err error) error {
	if strings.HasPrefix(err.Error(), "unknown") {
		return fmt.Errorf("%w; `%s --help` lists the flags", err, cmd.CommandPath())
	}
	return err
}

// group shows its commands when it is called without one, and refuses a word that is none of them.
func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	return usageError(cmd, "there is no command %q", strings.Join(append([]string{cmd.CommandPath()}, args...), " "))
}

var errNoTarget = errors.New("say where to: --target FOLDER, or --to-device for the phone that is connected")
