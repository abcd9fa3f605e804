"""What only older Qiskits have: backends with configurations (terra), and Qobj (terra and 1.x)."""
