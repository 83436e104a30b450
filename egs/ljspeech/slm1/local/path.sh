# What only this recipe needs in its environment, e.g. the place of your scheduler's job runner. Sourced by path.sh.
