"""A plain loop: each meta description by the cheapest tier whose answer passes the check.

    ANTHROPIC_API_KEY=... python examples/plain_loop.py

Run it again tomorrow: what the checks said is in outcomes.db, and the next decisions know it.
"""

from tierwise import Router
from tierwise.router.run import Options, checks

WANTED = "Write the meta description of a blog post, one line of 50 to 155 characters."
POSTS = {
    "Why our rye takes three days": "Sourdough, a cold night, and a baker who gets up at three.",
    "Five breads for a picnic": "What stays fresh in the sun, what can be torn by hand, what children eat.",
    "We are moving": "From May on you find us in the old post office, with a bigger oven and a terrace.",
}


def is_one_line(text: str) -> bool:
    return "\n" not in text.strip()


def main() -> None:
    check = checks.all_of(checks.length(min_chars=50, max_chars=155), is_one_line)
    with Router(log="outcomes.db") as router:
        for title, text in POSTS.items():
            content = f"{WANTED}\n\n<post>\n{title}\n{text}\n</post>"
            result = router.run(
                WANTED,  # what is decided about; the post itself says nothing about the work
                task_type="meta-description",
                verifiable=True,
                check=check,
                options=Options(messages=[{"role": "user", "content": content}]),
            )
            print(f"{result.tier:<7} {result.status:<7} ${result.cost_usd:.6f}  {result.text.strip()}")


if __name__ == "__main__":
    main()
